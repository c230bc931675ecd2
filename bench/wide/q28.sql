SELECT search_engine_id, client_ip, count(*) AS c, sum(CAST(is_refresh AS INT)), avg(resolution_width) FROM hits WHERE
search_phrase <> '' GROUP BY search_engine_id, client_ip ORDER BY c DESC, search_engine_id, client_ip LIMIT 10;
