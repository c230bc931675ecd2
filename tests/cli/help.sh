# SPDX-License-Identifier: Apache-2.0
# Every command explains itself, on stdout and with exit code 0.
chert --help
chert help sql | head -3
for command in sql run submit pyspark generate server version help "run events" "generate events"; do
    chert $command --help >"$(echo "$command" | tr ' ' _)" || echo "$command --help failed"
    grep -q '^Usage: chert ' "$(echo "$command" | tr ' ' _)" || echo "$command: no usage"
done
cat run_events
chert --help >/dev/full
echo "a full device: exit $?"
