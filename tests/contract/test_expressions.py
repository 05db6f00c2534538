"""What the component accepts as an expression is what the pipeline's steps can evaluate, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st
from pulumi_mlops import _expressions

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
def test_both_sides_accept_the_same_language(text: str) -> None:
    try:
        expressions.Expression(text)
    except ValueError:
        assert _expressions.problem(text) is not None
    else:
        assert _expressions.problem(text) is None


def test_both_sides_describe_it_alike() -> None:
    assert _expressions.LANGUAGE == expressions.LANGUAGE
    assert _expressions.MAX_LENGTH == expressions.MAX_LENGTH
