SELECT sum(adv_engine_id), count(*), avg(resolution_width), sum(price), max(score) FROM hits;
