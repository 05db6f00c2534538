"""Integration test in staging: what is deployed there is this commit, and answers."""

import json
import os
import urllib.request

from app import GREETING

url = f"http://web.{os.environ['STAGING_NAMESPACE']}.svc.cluster.local"
with urllib.request.urlopen(f"{url}/api/greeting", timeout=10) as response:
    found = json.load(response)
if found != {"greeting": GREETING}:
    raise SystemExit(f"staging answers {found}, and this commit greets with {GREETING!r}")
print(f"staging answers {found}")
