SELECT event_date, count(DISTINCT user_id) AS u, sum(price) FROM hits GROUP BY event_date ORDER BY event_date;
