"""The shelfmate command."""

def main() -> None:
    raise SystemExit("not yet")
