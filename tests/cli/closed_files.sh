# SPDX-License-Identifier: Apache-2.0
# What the caller has closed of stdin, stdout and stderr is no file of ours: messages would go into it.
chert sql --format csv -e "SELECT count(*) >= 0 AS taken FROM text.\`/proc/self/fdinfo/2\`" 2>&-
echo "exit $?"
chert sql --format csv -e "SELECT count(*) >= 0 AS taken FROM text.\`/proc/self/fdinfo/0\`" <&-
echo "exit $?"
chert sql -e "SELECT 1" >&- 2>said
echo "exit $?"
cat said
