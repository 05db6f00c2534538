"""What the component accepts as an expression is what the pipeline's steps can evaluate, and nothing else."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops.contract import expressions as contract

from ml import expressions

TOKENS = (
    *("a", "b_1", "2", "1.5", "1e999", "1" + "0" * 400, "1j", "True", "'x'", "a.b", "a[0]", "()", "x" * 990),
    *("+", "-", "*", "/", "**", "//", "%", "@", "<", "and", "not", "~", "if", "(", ")", ",", ";", "=", "*a", "\0", ""),
    *(f"{name}(" for name in (*expressions.FUNCTIONS, "open", "lambda")),
)
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=9).map(" ".join)
LEAVES = st.sampled_from(["a", "b", "2", "0.5", "'x'", "True"])
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "%"]), inner).map("({0[0]} {0[1]} {0[2]})".format)
        | st.tuples(st.sampled_from([*expressions.FUNCTIONS, "f"]), inner).map("{0[0]}({0[1]})".format)
        | st.tuples(st.sampled_from(["min", "max", "log"]), inner, inner).map("{0[0]}({0[1]}, {0[2]})".format)
        | inner.map("-{}".format)
    ),
    max_leaves=8,
)


@given(TEXTS | TREES)
def test_the_steps_evaluate_what_the_components_accept_and_nothing_else(text: str) -> None:
    problem = contract.problem(text)
    if problem is not None:
        with pytest.raises(ValueError, match=re.escape(problem)):
            expressions.Expression(text)
    else:
        expression = expressions.Expression(text)
        with np.errstate(all="ignore"):
            values = expression({name: np.array([1.0, 2.0]) for name in expression.columns}, 2)
        assert values.shape == (2,)


def test_the_steps_have_every_function_of_the_language() -> None:
    assert contract.FUNCTIONS.keys() == expressions.FUNCTIONS.keys()
