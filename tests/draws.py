"""The samples' arrays, drawn at once: what records put off until a test looks at them."""

from __future__ import annotations

from tricord.ir import samples

boolean = samples.boolean.__wrapped__
distinct = samples.distinct.__wrapped__
integers = samples.integers.__wrapped__
positive = samples.positive.__wrapped__
spd = samples.spd.__wrapped__
uniform = samples.uniform.__wrapped__
