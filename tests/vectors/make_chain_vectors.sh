#!/usr/bin/env bash
# Writes chain.json: entries of the journal's hash chain, hashed with sha256sum over bytes that are written here by hand.
# Each field is a netstring: its length in bytes, a colon, the bytes, a comma.
set -eu

hash() { sha256sum | cut -d ' ' -f 1; }
raw() { printf "$(printf %s "$1" | sed 's/../\\x&/g')"; }

zero=0000000000000000000000000000000000000000000000000000000000000000
commitment=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff

first=$({
  printf '19:cvconnect-journal-1,'
  printf '32:'; raw $zero; printf ','
  printf '1:1,2:r1,32:2026-11-21T13:05:00.123456+00:00,7:REQUEST,8:CREATING,'
  printf '22:{"label":"\303\211t\303\251, 5:a"},'
  printf '0:,'
} | hash)

second=$({
  printf '19:cvconnect-journal-1,'
  printf '32:'; raw "$first"; printf ','
  printf '1:2,2:r1,32:2026-11-21T13:05:02.000000+00:00,10:IDENTIFIED,11:IDENTIFYING,'
  printf '29:{"beneficiary":"10*****3051"},'
  printf '32:'; raw $commitment; printf ','
} | hash)

cat > "$(dirname "$0")/chain.json" <<JSON
[
  {
    "seq": 1, "request_id": "r1", "at": "2026-11-21T13:05:00.123456+00:00", "kind": "REQUEST", "state": "CREATING",
    "data": "{\"label\":\"Été, 5:a\"}", "commitment": "",
    "previous": "$zero", "hash": "$first"
  },
  {
    "seq": 2, "request_id": "r1", "at": "2026-11-21T13:05:02.000000+00:00", "kind": "IDENTIFIED", "state": "IDENTIFYING",
    "data": "{\"beneficiary\":\"10*****3051\"}", "commitment": "$commitment",
    "previous": "$first", "hash": "$second"
  }
]
JSON
