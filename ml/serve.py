"""`python -m ml.serve`: serves one model version over HTTP. ml/server/settings.py lists the variables it reads.

Exit codes: 0 after SIGTERM or Ctrl-C, 78 (EX_CONFIG) for a variable it cannot use, anything else for a fault.
"""

import gc
import os
import signal
import sys


def main() -> int:
    """Runs the server until a signal stops it; returns the exit code."""
    # The kernel drops SIGTERM for a container's first process until there is a handler, and imports take a while.
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    from ml.server import log  # noqa: PLC0415
    from ml.server.access import Access, challenge  # noqa: PLC0415
    from ml.server.app import App  # noqa: PLC0415
    from ml.server.clients import Clients  # noqa: PLC0415
    from ml.server.http import Server  # noqa: PLC0415
    from ml.server.loader import Loader  # noqa: PLC0415
    from ml.server.metrics import Metrics  # noqa: PLC0415
    from ml.server.public_port import PublicPort  # noqa: PLC0415
    from ml.server.rate_limit import RateLimit  # noqa: PLC0415
    from ml.server.settings import BadSetting, Settings  # noqa: PLC0415

    log.configure()
    try:
        settings = Settings.from_environment()
    except BadSetting as error:
        print(f"ml.serve: {error}", file=sys.stderr)
        return os.EX_CONFIG
    metrics = Metrics()
    app = App(settings, Loader(settings, metrics), metrics)
    public = None
    if settings.public_port is not None:
        clients = None if settings.clients_dir is None else Clients(settings.clients_dir)
        tokens = None
        if settings.token_rules is not None:  # what checks signatures takes memory
            from ml.server.issuer import IssuerKeys  # noqa: PLC0415
            from ml.server.tokens import Tokens  # noqa: PLC0415

            keys = IssuerKeys(settings.token_rules.issuer)
            keys.start()
            app.concern = lambda: keys.problem
            metrics.issuer(keys.issuer, lambda: keys.problem is None)
            tokens = Tokens(settings.token_rules, keys, challenge(settings.endpoint))
        per_minute = settings.client_requests_per_minute
        limit = None if per_minute is None else RateLimit(per_minute)
        public = PublicPort(app, Access(settings.endpoint, clients, tokens), metrics, limit)
    server = Server(app, settings, app.drain, public)
    gc.freeze()  # what is there now stays for good; collections need not look at it
    server.run()
    log.event("stopped")
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
