SELECT regexp_replace(referer, '^https?://(?:www[.])?([^/]+)/.*$', 'x') AS k, avg(length(referer)) AS l, count(*) AS
c, min(referer) FROM hits WHERE referer <> '' GROUP BY regexp_replace(referer, '^https?://(?:www[.])?([^/]+)/.*$',
'x') HAVING count(*) > 100 ORDER BY l DESC, k LIMIT 25;
