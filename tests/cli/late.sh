# SPDX-License-Identifier: Apache-2.0
# A short query does not wait for the libraries of the web and of databases: they are loaded when they are needed.
ldd "$CHERT" | grep -E 'curl|xml2|microhttpd|mariadb|mysql|libpq' || echo none
chert sql --format csv -e "SELECT * FROM text.\`http://127.0.0.1:1/a.txt\`" 2>&1 | grep -c -i "refused\|connect"
