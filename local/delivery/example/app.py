"""A small web application: a page, and the API that the page asks."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = "Hello"
PAGE = """<!doctype html>
<html lang="en">
<title>Birds</title>
<h1 id="greeting"></h1>
<script>
fetch("api/greeting").then((answer) => answer.json()).then((found) => {
  document.getElementById("greeting").textContent = found.greeting;
});
</script>
</html>
"""


def answer(path: str) -> tuple[int, str, str]:
    """Status, media type and body of what is at a path."""
    if path == "/":
        return 200, "text/html; charset=utf-8", PAGE
    if path == "/api/greeting":
        return 200, "application/json", json.dumps({"greeting": GREETING})
    if path == "/healthz":
        return 200, "text/plain", "ok"
    return 404, "text/plain", "not found"


class Handler(BaseHTTPRequestHandler):
    """Answers GET requests."""

    def do_GET(self) -> None:
        """One request."""
        status, media_type, body = answer(self.path.partition("?")[0])
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler).serve_forever()
