SELECT date_trunc('minute', event_time) AS m, count(*) AS views FROM hits WHERE event_date BETWEEN DATE '2025-07-14'
AND DATE '2025-07-15' AND NOT is_refresh GROUP BY date_trunc('minute', event_time) ORDER BY m LIMIT 10 OFFSET 1000;
