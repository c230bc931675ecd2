-- Rows that a shop may have, but should not: for shop.db of `chert generate etl`, in its folder.
CREATE TEMP VIEW inventory USING jdbc OPTIONS (url 'jdbc:sqlite:shop.db', dbtable 'inventory');
CREATE TEMP VIEW customers USING jdbc OPTIONS (url 'jdbc:sqlite:shop.db', dbtable 'customers');
CREATE TEMP VIEW orders USING jdbc OPTIONS (url 'jdbc:sqlite:shop.db', dbtable 'orders');
CREATE TEMP VIEW order_items USING jdbc OPTIONS (url 'jdbc:sqlite:shop.db', dbtable 'order_items');
INSERT INTO inventory VALUES
    (9001, NULL, NULL, NULL, NULL, NULL),
    (9002, 1, 1, 10, 0, TIMESTAMP'2026-01-30 12:00:00'),
    (9003, 1, 1, -5, 100, TIMESTAMP'2026-01-31 00:00:00'),
    (9004, 99, 99, 500, 100, TIMESTAMP'2026-03-01 00:00:00'),
    (9005, 1, 2, 50, 100, TIMESTAMP'2025-01-01 00:00:00'),
    (9006, 1, 2, NULL, 101, TIMESTAMP'2026-01-31 23:59:59'),
    (9007, 1, 2, 50, -100, TIMESTAMP'2026-01-31 00:00:00'),
    (9008, 1, 2, 50, 100, NULL),
    (9009, 98, 2, 0, 100, TIMESTAMP'2026-01-31 00:00:00'),
    (9010, 97, 2, 7, 0, TIMESTAMP'2026-01-31 00:00:00');
INSERT INTO customers VALUES (7776, NULL, NULL, NULL), (7777, '𝄞 "quoted", ''s', '', 'Ōtaki');
INSERT INTO orders VALUES
    (900001, NULL, TIMESTAMP'2026-01-01 01:00:00', 10),
    (900002, 7776, NULL, NULL),
    (900003, 7777, TIMESTAMP'2026-01-01 09:00:00', 0.01),
    (900004, 7777, TIMESTAMP'2026-01-01 05:30:00', 9999999999.99),
    (900005, 7778, TIMESTAMP'2026-01-01 23:59:59', NULL),
    (900006, 7778, TIMESTAMP'2026-01-01 23:59:59', -5),
    (900007, 7778, NULL, 1);
INSERT INTO order_items VALUES
    (900001, 1, NULL, NULL, NULL, NULL),
    (900001, 2, 1, 99, 3, 1),
    (900001, 3, 1, 98, 3, 1),
    (900001, 4, 1, 97, NULL, 1);
