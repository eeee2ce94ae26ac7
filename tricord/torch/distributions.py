"""``torch.distributions``: not offered; each name says what to write instead."""

from __future__ import annotations

from typing import NoReturn

from ..errors import NotSupportedError

__all__: list[str] = []

_INSTEAD = {
    "Categorical": "torch.multinomial(probs, 1) draws; log_softmax(logits, -1).gather(-1, drawn) "
                   "is its log_prob",
    "Bernoulli": "torch.bernoulli(probs) draws; -binary_cross_entropy is its log_prob",
    "Normal": "mean + std * torch.randn_like(std) draws; -gaussian_nll_loss is its log_prob",
    "Uniform": "torch.empty(shape).uniform_(low, high)",
    "Exponential": "torch.empty(shape).exponential_(rate)",
    "kl_divergence": "torch.nn.functional.kl_div",
}


def __getattr__(name: str) -> NoReturn:
    # Not an AttributeError: `from torch.distributions import Normal` would hide its words.
    if not name[0].isupper() and name not in _INSTEAD:
        raise AttributeError(f"module 'torch.distributions' has no attribute {name!r}")
    raise NotSupportedError(f"torch.distributions.{name}: probability distributions as objects are "
                            "not supported", hint=_INSTEAD.get(
                                name, "torch.multinomial, torch.bernoulli, torch.normal"))
