"""`make shots`: a choice of the pictures that the browser tests left, kept small, into docs/shots."""

from pathlib import Path

from PIL import Image

from tests.browser import SHOTS

KEPT = Path(__file__).parent.parent / "docs" / "shots"
CHOICE = (  # in the order of what must be there; of two that show the same, the one that shows more
    "journey-*", "quality-1-monday", "quality-5-digest", "quality-demo-quality-1280-*", "quality-demo-monitors-1280-light",
    "use-cases-*", "recipes-*", "agents-[24]*", "classifiers-[12358]*", "intake-*", "signin-*",
    "knowledge-much-articles-1280-light", "knowledge-much-answered-1280-light", "knowledge-much-suggested-1280-light",
    "knowledge-much-gaps-1280-light", "knowledge-much-ladder-1280-*", "review-1-flag", "evals-2-better", "evals-3-broken",
    "review-waiting-0-1280-light", "review-waiting-1-1280-dark", "review-waiting-20000-1280-light", "review-waiting-20000-900-dark",
    "evals-of-2000-*-1280-light",
    "demo-[hq]*-dark", "demo-*-light", "empty-*-light",
)  # fmt: skip
MOST, HEAVIEST = 48, 200_000


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
