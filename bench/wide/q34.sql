SELECT title, count(*) AS views FROM hits WHERE counter_id = 62 AND dont_count = 0 AND NOT is_refresh AND title <> ''
GROUP BY title ORDER BY views DESC, title LIMIT 10;
