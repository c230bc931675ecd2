SELECT referer_hash, event_date, count(*) AS views FROM hits WHERE traffic_source IN (-1, 5) GROUP BY referer_hash,
event_date ORDER BY views DESC, referer_hash, event_date LIMIT 10;
