"""`make shots`: a choice of the pictures that the browser tests left, kept small, into docs/shots."""

from pathlib import Path

from PIL import Image

from tests.browser import SHOTS

KEPT = Path(__file__).parent.parent / "docs" / "shots"
CHOICE = ("journey-*", "intake-*", "signin-*", "demo-*-light", "demo-[ahqr]*-dark", "empty-*-light")  # in the order of what must be there
MOST, HEAVIEST = 40, 200_000


def main() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    pictures = [picture for kind in CHOICE for picture in sorted(SHOTS.glob(f"{kind}.png"))][:MOST]
    for old in KEPT.glob("*.png"):
        old.unlink()
    for picture in pictures:
        small = Image.open(picture).convert("P", palette=Image.Palette.ADAPTIVE, colors=128)
        small.save(KEPT / picture.name, optimize=True)
        if (KEPT / picture.name).stat().st_size > HEAVIEST:
            raise SystemExit(f"{picture.name} is larger than {HEAVIEST // 1000} kB.")
    print(f"{len(pictures)} pictures in {KEPT}")


if __name__ == "__main__":
    main()
