"""Print the longest files and functions of the package. It informs; it never fails."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOWN = 10


def main() -> None:
    files: list[tuple[int, str]] = []
    functions: list[tuple[int, str]] = []
    for path in sorted((ROOT / "tricord").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(ROOT))
        files.append((text.count("\n"), name))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                functions.append((lines, f"{name}:{node.lineno} {node.name}"))
    print(f"\nsize: {len(files)} files, {sum(lines for lines, _ in files)} lines, "
          f"{len(functions)} functions")
    for title, rows in (("longest files", files), ("longest functions", functions)):
        print(f"{title}:")
        for lines, name in sorted(rows, reverse=True)[:SHOWN]:
            print(f"{lines:6d}  {name}")


if __name__ == "__main__":
    main()
