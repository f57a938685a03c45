"""How foreign a text is to all that was learned: by examples of what is foreign, and by what came in lately."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

FOREIGN = 0.99  # without examples of what is foreign: a text is, that is stranger than so many of those learned from
OTHERS_COUNT = 2.0  # there are more of them among customers than anybody labels; where it is known how many more, that counts if it is more
BELIEVED = 0.5  # of that share: with all of it, 0.2 points of what is one of the labels were lost on CLINC150, with half of it none


@dataclass(frozen=True)
class Foreign:
    """How much each sign of a foreign text counts. `label` is the place of the label that stands for them, where there is one."""

    label: int | None = None
    weights: Floats = field(default_factory=lambda: np.zeros(0))
    bias: float = 0.0

    def share(self, signs: Floats) -> Floats:
        found: Floats = 1 / (1 + np.exp(-np.clip(signs @ self.weights + self.bias, -30, 30)))
        return found


@dataclass(frozen=True)
class Lately:
    """What came in that nobody labelled (traffic.py). Strangeness is told as `of_one_size` sums the signs up."""

    looked_at: int
    share: float  # so many of them are foreign, about
    usual: float  # how strange one of them is that is not, at the median
    strange: float  # above, more are foreign than not


def fit(found: Floats, labels: Places, label: int | None, lately: Lately | None = None) -> Foreign:
    """From signs of texts that the model had not seen. Without examples of what is foreign, all signs count the same."""
    others = labels == label if label is not None else np.zeros(len(labels), bool)
    if 0 < others.sum() < len(labels):
        middle, spread = found.mean(axis=0), found.std(axis=0) + 1e-9
        share = BELIEVED * lately.share if lately else 0.0
        count = share / (1 - share) * (~others).sum() / others.sum()
        fitted = LogisticRegression(class_weight={False: 1.0, True: max(OTHERS_COUNT, count)}).fit((found - middle) / spread, others)
        weights = fitted.coef_[0] / spread
        return Foreign(label, weights, float(fitted.intercept_[0] - weights @ middle))
    told = without_own(found, label)
    middle, weights = of_one_size(told)
    usual, strange = (lately.usual, lately.strange) if lately else np.quantile((told - middle) @ weights, [0.5, FOREIGN])
    steep = np.log(49) / max(float(strange - usual), 1e-6)  # 0.5 for the strange, 0.02 for the usual
    bias = float(-(middle @ weights) * steep - strange * steep)
    # a label of which no row could be checked: its own score is a sign of nothing known
    return Foreign(label, np.append(weights, np.zeros(found.shape[1] - told.shape[1])) * steep, bias)


def of_one_size(found: Floats) -> tuple[Floats, Floats]:
    """The middle of each sign, and how much it counts so that all count the same."""
    return found.mean(axis=0), 1 / ((found.std(axis=0) + 1e-9) * found.shape[1])


def without_own(found: Floats, label: int | None) -> Floats:
    """The signs but the last, which is there only where a label stands for what is foreign."""
    return found if label is None else found[:, :-1]
