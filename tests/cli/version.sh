# SPDX-License-Identifier: Apache-2.0
# The version, both ways.
chert version | grep -cx 'chert [0-9]*\.[0-9]*\.[0-9]*'
[ "$(chert version)" = "$(chert --version)" ] && echo same
