SELECT url, count(*) AS views FROM hits WHERE counter_id = 62 AND event_date BETWEEN DATE '2025-07-01' AND DATE
'2025-07-31' AND dont_count = 0 AND NOT is_refresh GROUP BY url ORDER BY views DESC, url LIMIT 10;
