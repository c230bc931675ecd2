SELECT min(event_date), max(event_date), min(url), max(title) FROM hits;
