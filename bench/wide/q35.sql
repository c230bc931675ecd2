SELECT traffic_source, search_engine_id, adv_engine_id, CASE WHEN search_engine_id = 0 AND adv_engine_id = 0 THEN
referer ELSE '' END AS src, url AS dst, count(*) AS views FROM hits WHERE counter_id = 62 GROUP BY traffic_source,
search_engine_id, adv_engine_id, CASE WHEN search_engine_id = 0 AND adv_engine_id = 0 THEN referer ELSE '' END, url
ORDER BY views DESC, src, dst, traffic_source, search_engine_id, adv_engine_id LIMIT 10;
