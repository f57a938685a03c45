"""Which language a text is in. Too short a text tells nothing, and then nothing is said."""

from functools import lru_cache
from typing import Any

SHORTEST, LONGEST = 20, 600  # letters that are looked at
SURE = 0.8
# those that customers write to a company in; the rarest are left out, since short texts are taken for them
LANGUAGES = "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl sr sv th tr uk ur vi zh"


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # loads a model: only where texts come in

    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    made.set_languages(LANGUAGES.split())
    return made


def of(text: str) -> str | None:
    """Its two-letter code; None where it is too short or could be one of several."""
    text = text[:LONGEST]
    if sum(letter.isalpha() for letter in text) < SHORTEST:
        return None
    code, sure = _identifier().classify(text)
    return str(code) if sure >= SURE else None
