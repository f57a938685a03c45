"""An encoder that runs behind the model endpoint: the same face as the installed one."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from language import patience
from language.call import Fault, Line, NoAnswer
from language.endpoint import Redaction, Tally, post

AT_ONCE = 16  # texts in one request: with 4,096 numbers each the answer stays below what is taken


class EndpointEncoder:
    is_fallback = False

    def __init__(self, line: Line, model: str, *, languages: tuple[str, ...] = ()) -> None:
        self._line, self._model, self.languages = line, model, languages
        self.name = f"{model} at {line.host}"

    def speaks(self, language: str | None) -> bool:
        return not language or not self.languages or language.split("-")[0].lower() in self.languages

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """A row for each text, of length one; NoAnswer in words where the endpoint gives none."""
        rows = [self._encode(list(texts[start : start + AT_ONCE])) for start in range(0, len(texts), AT_ONCE)]
        sizes = {part.shape[1] for part in rows}
        if len(sizes) > 1:
            raise NoAnswer(
                f"The texts were not encoded: '{self._model}' gives vectors of {sizes} numbers, and they have to be of one size."
            )
        return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)

    def _encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        clean = Redaction()
        # an empty text is refused by most
        body = {"model": self._model, "input": [clean.all(text) or " " for text in texts], "encoding_format": "float"}
        remembered, tally = patience.of(self._line), Tally(deadline=time.monotonic() + self._line.timeout)
        try:
            with remembered.turn(self._line, self._line.timeout), remembered.attempt(self._line):
                return _rows(post(self._line, "embeddings", body, tally), len(texts))
        except Fault as fault:
            raise NoAnswer(f"The texts were not encoded. {fault.sentence}") from None


def _rows(answer: dict[str, Any], count: int) -> npt.NDArray[np.float32]:
    try:
        found = {int(told["index"]): told["embedding"] for told in answer["data"]}
        rows = np.array([found[place] for place in range(count)], np.float32)
    except (KeyError, TypeError, ValueError, OverflowError) as wrong:
        raise Fault("bad_answer", f"it is not one vector for each of {count} texts") from wrong
    if len(found) != count or rows.ndim != 2 or rows.shape[1] == 0 or not np.isfinite(rows).all():
        raise Fault("bad_answer", f"it is not one vector for each of {count} texts")
    scaled: npt.NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return scaled
