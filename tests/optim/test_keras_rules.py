"""The variants of the rules that Keras has, and what it does around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tricord.optim import (
    adadelta,
    adagrad,
    adam,
    adamax,
    ftrl,
    lamb,
    lion,
    nadam,
    rmsprop,
    schedules,
    sgd,
)
from tricord.optim.rule import NO_TRANSFORM, Transform
from tricord.optim.update import Cohort, Update, new_slots
from tricord.tensor import Parameter, wrap

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

SHAPES = [(3, 4), (4,)]
RULES: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("SGD", {"learning_rate": 0.1}, sgd.sgd, sgd.SGDOptions()),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}, sgd.sgd,
     sgd.SGDOptions(momentum=0.9, rate_in_velocity=True)),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}, sgd.sgd,
     sgd.SGDOptions(momentum=0.9, nesterov=True, rate_in_velocity=True)),
    ("Adam", {"learning_rate": 0.02}, adam.adam, adam.AdamOptions(eps=1e-7, epsilon_hat=True)),
    ("Adam", {"learning_rate": 0.02, "epsilon": 0.1, "amsgrad": True}, adam.adam,
     adam.AdamOptions(eps=0.1, amsgrad=True, epsilon_hat=True)),
    ("RMSprop", {"learning_rate": 0.02}, rmsprop.rmsprop,
     rmsprop.RMSpropOptions(alpha=0.9, eps=1e-7, epsilon_in_root=True, rate_in_velocity=True)),
    ("RMSprop", {"learning_rate": 0.02, "rho": 0.8, "momentum": 0.5, "centered": True},
     rmsprop.rmsprop, rmsprop.RMSpropOptions(alpha=0.8, eps=1e-7, momentum=0.5, centered=True,
                                             epsilon_in_root=True, rate_in_velocity=True)),
    ("Adagrad", {"learning_rate": 0.1}, adagrad.adagrad,
     adagrad.AdagradOptions(eps=1e-7, initial_accumulator_value=0.1, epsilon_in_root=True)),
    ("Adadelta", {"learning_rate": 0.5}, adadelta.adadelta,
     adadelta.AdadeltaOptions(rho=0.95, eps=1e-7)),
    ("Adamax", {"learning_rate": 0.02}, adamax.adamax,
     adamax.AdamaxOptions(eps=1e-7, epsilon_after_max=True)),
    ("Nadam", {"learning_rate": 0.02}, nadam.nadam,
     nadam.NAdamOptions(eps=1e-7, momentum_decay=1.0)),
    ("Ftrl", {"learning_rate": 0.1}, ftrl.ftrl, ftrl.FtrlOptions()),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.1, "beta": 0.3,
              "l2_regularization_strength": 0.2, "l2_shrinkage_regularization_strength": 0.1},
     ftrl.ftrl, ftrl.FtrlOptions(l1=0.1, l2=0.2, l2_shrinkage=0.1, beta=0.3)),
    ("Lion", {"learning_rate": 0.01}, lion.lion, lion.LionOptions()),
    ("Lamb", {"learning_rate": 0.01}, lamb.lamb, lamb.LambOptions()),
]
AROUND: list[tuple[dict[str, Any], Transform, float | None]] = [
    ({"clipnorm": 0.1}, Transform(clip_norm=0.1), None),
    ({"clipvalue": 0.05}, Transform(clip_value=0.05), None),
    ({"global_clipnorm": 0.2}, NO_TRANSFORM, 0.2),
    ({"weight_decay": 0.1}, Transform(decay=0.1), None),
]


def values(seed: int) -> list[np.ndarray]:
    random = np.random.RandomState(seed)
    return [random.standard_normal(s).astype("float32") for s in SHAPES]


def compare(theirs: Any, rule: Any, options: Any, transform: Transform = NO_TRANSFORM,
            global_norm: float | None = None) -> tuple[list[Any], list[Any]]:
    real = [keras.Variable(v) for v in values(0)]
    mine = [Parameter(v) for v in values(0)]
    lr = float(theirs.learning_rate)
    slots = [[h for _, h in new_slots(p, rule.slots(options, lr, p._type))]
             + ([wrap(p.numpy())] if transform.average is not None else []) for p in mine]
    update = Update([Cohort(rule, options, mine, rule.start, slots, transform)], global_norm)
    theirs.build(real)
    for step in range(1, 11):
        grads = values(step)
        theirs.apply([keras.ops.convert_to_tensor(g) for g in grads], real)
        update.run([wrap(g) for g in grads], [lr])
        for p, q in zip(mine, real, strict=True):
            np.testing.assert_allclose(p.numpy(), keras.ops.convert_to_numpy(q), rtol=2e-5,
                                       atol=3e-6, err_msg=f"step {step}")
    return slots, real


@pytest.mark.parametrize(("name", "options", "rule", "own"), RULES)
def test_ten_steps_are_those_of_keras(name: str, options: dict[str, Any], rule: Any,
                                      own: Any) -> None:
    compare(getattr(keras.optimizers, name)(**options), rule, own)


@pytest.mark.parametrize(("options", "transform", "global_norm"), AROUND)
def test_what_happens_around_the_rule(options: dict[str, Any], transform: Transform,
                                      global_norm: float | None) -> None:
    compare(keras.optimizers.SGD(0.1, **options), sgd.sgd, sgd.SGDOptions(), transform, global_norm)


def test_average_of_the_weights() -> None:
    theirs = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    slots, _ = compare(theirs, sgd.sgd, sgd.SGDOptions(), Transform(average=0.9))
    for own, average in zip(slots, theirs._model_variables_moving_average, strict=True):
        np.testing.assert_allclose(own[-1].numpy(), keras.ops.convert_to_numpy(average), rtol=1e-5,
                                   atol=1e-6)


SCHEDULES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("ExponentialDecay", (0.1, 5, 0.5), {}),
    ("ExponentialDecay", (0.1, 5, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([3, 6], [0.1, 0.05, 0.01]), {}),
    ("PolynomialDecay", (0.1, 10), {}),
    ("PolynomialDecay", (0.1, 7), {"cycle": True, "power": 2.0}),
    ("InverseTimeDecay", (0.1, 5, 0.5), {}),
    ("InverseTimeDecay", (0.1, 5, 0.5), {"staircase": True}),
    ("CosineDecay", (0.1, 10), {}), ("CosineDecay", (0.0, 10), {
        "alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 4}),
    ("CosineDecayRestarts", (0.1, 4), {}),
    ("CosineDecayRestarts", (0.1, 4), {"t_mul": 1.0, "m_mul": 0.9, "alpha": 0.1}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), SCHEDULES)
def test_rates_are_those_of_keras(name: str, arguments: tuple[Any, ...],
                                  options: dict[str, Any]) -> None:
    mine = getattr(schedules, name)(*arguments, **options)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments, **options)
    # not at the restarts themselves: there Keras' single precision may fall on either side
    for step in range(40):
        if name != "CosineDecayRestarts" or step % 4:
            assert mine(step) == pytest.approx(float(theirs(step)), rel=2e-5, abs=1e-7), step
    assert mine.get_config() == theirs.get_config()
    assert mine.from_config(mine.get_config())(7) == mine(7)
