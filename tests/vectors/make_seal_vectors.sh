#!/usr/bin/env bash
# Writes seal.json beside this script: seals computed by the openssl command line, so that neither the SDK nor the
# simulator checks its own work. Needs bash, openssl and jq.
set -euo pipefail
cd "$(dirname "$0")"

# vector NAME KEY VERSION FIELD...
vector() {
  local name=$1 key=$2 version=$3
  shift 3
  local joined seal
  joined=$(printf '%s&' "$@")
  joined=${joined%&}
  seal=$(printf '%s' "$joined" | openssl dgst -sha256 -hmac "$key" -binary | openssl base64 -A | tr '+/' '-_' | tr -d '=')
  jq -n --arg name "$name" --arg key "$key" --arg version "$version" \
    --arg header "HmacSHA256.$version.$seal" \
    '{name: $name, key: $key, version: $version, fields: $ARGS.positional, header: $header}' --args "$@"
}

{
  vector create            'test-seal-key'          ver001 12345678 123456 REF253 T1-2026-000253-1 4550
  vector payer-number      'test-seal-key'          ver001 fiawa31zot 10000003051 4550
  vector payer-email       'test-seal-key'          ver001 fiawa31zot client@example.invalid 2000
  vector cancellation      'test-seal-key'          ver001 fiawa31zot OTHER
  vector status            'test-seal-key'          ver001 fiawa31zot
  vector key-not-ascii     'clé-privée-№7-€'        ver002 12345678 123456 REF254 T1-2026-000254-1 2000
  vector field-not-ascii   'test-seal-key'          ver001 12345678 123456 'PANIER N° 12 – été' T1-2026-000255-1 123456
  vector field-with-joiner 'test-seal-key'          ver001 12345678 123456 'A&B' T1-2026-000256-1 2000
  vector long-key          'a key longer than one block of SHA-256, that is longer than sixty-four bytes of text' v3 fiawa31zot
} | jq -s . > seal.json
