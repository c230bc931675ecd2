SELECT campaign, os, count(*) AS c, sum(price), avg(score), max(load_ms) FROM hits GROUP BY campaign, os ORDER BY c
DESC, campaign, os LIMIT 20;
