#!/bin/sh
# Runs a verifier over a folder of vectors: NAME/ must be accepted (exit 0), NAME_fail/ rejected (exit 1).
# usage: run-vectors.sh COMMAND FOLDER
command=$1
folder=$2
count=0
wrong=0

for vector in "$folder"/*/; do
    vector=${vector%/}
    expected=0
    case $vector in *_fail) expected=1 ;; esac
    $command verify "$vector/answer" --request "$vector/request" --status "$vector/status" --offline \
        --trust "$folder/trust.jwt" --trust-key "$folder/operator.pem" --at "$(cat "$folder/at")" >/dev/null 2>&1
    if [ $? -ne $expected ]; then
        echo "disagrees: ${vector##*/}"
        wrong=$((wrong + 1))
    fi
    count=$((count + 1))
done

echo "$count vectors, $wrong disagree"
[ $wrong -eq 0 ]
