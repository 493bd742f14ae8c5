"""Where the package keeps its queries, ontology and data."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def package_home() -> Path:
    """Find the folder: in an installed wheel beside the code, else above ``src/``."""
    bundle = _PACKAGE / "bundle"
    return bundle if bundle.is_dir() else _PACKAGE.parent.parent
