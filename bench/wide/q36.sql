SELECT window_width, window_height, count(*) AS views FROM hits WHERE counter_id < 100 AND dont_count = 0 GROUP BY
window_width, window_height ORDER BY views DESC, window_width, window_height LIMIT 10 OFFSET 1000;
