"""The language of engineered features: arithmetic on columns.

The steps evaluate it; here it is only checked, so that a mistake costs a preview and not a training run.
"""

import ast

FUNCTIONS = {"log": 1, "log1p": 1, "sqrt": 1, "abs": 1, "exp": 1, "min": 2, "max": 2}
"""Number of arguments by name."""
LANGUAGE = f"numbers, column names, + - * / ** and {', '.join(FUNCTIONS)}"
MAX_LENGTH = 1000
"""Characters; what the steps accept."""


def problem(text: str) -> str | None:
    """What keeps a text from being an expression, to follow "must"; None if it is one."""
    if len(text) > MAX_LENGTH:
        return f"be at most {MAX_LENGTH} characters long, got {len(text)}"
    try:
        wrong = _foreign(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return f"be an arithmetic expression, got {text!r}"
    return f"use only {LANGUAGE}, got {ast.unparse(wrong)!r}" if wrong else None


def _foreign(node: ast.expr) -> ast.expr | None:
    """The first part that the language does not have."""
    match node:
        case ast.Name():
            return None
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            float(number)  # OverflowError where it has too many digits
            return None
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _foreign(operand)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), left=left, right=right):
            return _foreign(left) or _foreign(right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if FUNCTIONS.get(name) == len(arguments):
            return next(filter(None, map(_foreign, arguments)), None)
        case _:
            return node
