"""What no review may show, and what it must show as mere text."""

HUSH = "hunter2-is-secret"
LOUD = "hunter3-is-secret"
"""Values of secrets before and after a change: no review may ever show them."""

EVIL = "</td></table><img src=x onerror=alert(1)><!-- `@everyone` #1 [x](https://evil.example) | ``` ~~~ ![y](z) GH-1"
NAMES = (
    "@everyone",
    "#1",
    "[click](https://evil.example)",
    "![](https://evil.example/pixel.png)",
    "<script>alert(1)</script>",
    "</details><h1>approved</h1>",
    "```\n\n# approved\n\n```",
    "a | b | c",
    "`code` and ``more``",
    "https://evil.example",
    "www.evil.example",
    "someone@evil.example",
    "right\u202eleft and \x1b[31mred\x1b[0m",
    "/close",
    "&lt;b&gt; &#64;admin :rocket:",
    "--> <!-- pulumi-mlops-review:preview -->",
)
