SELECT avg(CAST(user_id AS DOUBLE)) FROM hits;
