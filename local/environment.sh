#!/bin/sh
# Makes .venv from requirements/dev.txt, by uv when it is present, else by pip. Does nothing when the lock has not
# changed since. Plain sh and the standard library only: nothing else exists yet when this runs.
set -eu
cd "$(dirname "$0")/.."
lock=requirements/dev.txt
# The library's command, from its sources.
command_script() {
    if [ -x .venv/bin/pulumi-mlops ]; then return; fi
    printf '#!/bin/sh\nexec "$(dirname "$0")/python" -m pulumi_mlops.cli "$@"\n' >.venv/bin/pulumi-mlops
    chmod +x .venv/bin/pulumi-mlops
}
if [ -x .venv/bin/python ] && cmp -s "$lock" .venv/installed.txt; then command_script; exit 0; fi

python=
for candidate in ${PYTHON3:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$candidate; break; fi
done
if [ -z "$python" ]; then
    echo "environment: Python 3.11 or newer is needed and none was found on PATH; install it (on Debian: apt-get install python3 python3-venv) or set PYTHON3=/path/to/python3" >&2
    exit 1
fi

echo "environment: installing $(grep -c '==' "$lock") locked packages into .venv …" >&2
if ! [ -x .venv/bin/pip ]; then
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        echo "environment: '$python -m venv' failed; on Debian: apt-get install python3-venv, then run the same command again" >&2
        exit 1
    fi
fi
# Bytecode is made when a module is first imported: to make all of it takes longer than to install.
pip_install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement "$1"; }

# uv installs the whole lock in the time that pip needs for its largest packages. It does not read pip's configuration,
# so that on a machine with a mirror of its own it may find nothing: then pip does the work.
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    awk '/^[A-Za-z0-9]/ {ours = /^uv==/} ours' "$lock" >.venv/uv.txt
    if pip_install .venv/uv.txt; then uv=.venv/bin/uv; fi
fi
if [ -z "$uv" ] || ! "$uv" pip sync --quiet --require-hashes --python .venv/bin/python "$lock"; then
    pip_install "$lock"
fi
# The library itself, from its sources.
for packages in .venv/lib/python*/site-packages; do echo "$PWD/components" >"$packages/pulumi_mlops.pth"; done
command_script
cp "$lock" .venv/installed.txt
