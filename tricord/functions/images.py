"""Images as composites: resizing with antialiasing, colours, warps by coordinates, patches."""

from __future__ import annotations
