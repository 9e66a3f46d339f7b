-- Will this delivery be late? A training set for XGBoost out of five tables of TPC-H.
--
--   gristmill demo                                  makes the data, runs this file, prints what came out
--
-- With more data, in a folder without a demo in it:
--
--   gristmill tpch --scale 1 --output gristmill-demo/data
--   gristmill run examples/late_delivery.sql

CREATE EXTERNAL TABLE lineitem STORED AS PARQUET LOCATION 'gristmill-demo/data/lineitem.parquet';
CREATE EXTERNAL TABLE orders   STORED AS PARQUET LOCATION 'gristmill-demo/data/orders.parquet';
CREATE EXTERNAL TABLE part     STORED AS PARQUET LOCATION 'gristmill-demo/data/part.parquet';
CREATE EXTERNAL TABLE supplier STORED AS PARQUET LOCATION 'gristmill-demo/data/supplier.parquet';
CREATE EXTERNAL TABLE nation   STORED AS PARQUET LOCATION 'gristmill-demo/data/nation.parquet';

-- All lines of an order land in the same split, so the model is never tested on an order it has seen. The order's key
-- is no feature: the query does not output it.
CREATE TRAINING SET late_delivery
LOCATION 'gristmill-demo/late_delivery'
STORED AS CSV
LABEL late
SPLIT (train 0.8, validation 0.1, test 0.1) BY KEY (l_orderkey)
SHUFFLE SEED 42
OPTIONS ('shards' '4')
AS
SELECT
    -- The label, and the only use of the date of receipt. Features are what is known on the day of shipping; line
    -- status and return flag are not, they follow from later dates.
    CAST(l_receiptdate > l_commitdate AS INT) AS late,

    -- When
    date_part('month', l_shipdate) AS ship_month,
    date_part('dow', l_shipdate) AS ship_weekday,
    date_part('month', o_orderdate) AS order_month,
    l_shipdate - o_orderdate AS days_from_order_to_ship,
    l_commitdate - o_orderdate AS days_from_order_to_commit,
    l_commitdate - l_shipdate AS days_from_ship_to_commit,

    -- How much
    l_quantity AS quantity,
    l_extendedprice AS extended_price,
    l_discount AS discount,
    l_tax AS tax,
    l_extendedprice * (1 - l_discount) * (1 + l_tax) AS net_price,
    o_totalprice AS order_price,
    CAST(l_extendedprice AS DOUBLE) / CAST(o_totalprice AS DOUBLE) AS share_of_order_price,
    -- What a piece costs; without discount and tax that is p_retailprice, in TPC-H.
    CAST(l_extendedprice * (1 - l_discount) AS DOUBLE) / CAST(l_quantity AS DOUBLE) AS net_unit_price,

    -- What, how and from where
    p_size AS part_size,
    p_retailprice AS part_retail_price,
    CAST(substr(o_orderpriority, 1, 1) AS INT) AS order_priority,
    CASE l_shipmode
        WHEN 'REG AIR' THEN 0 WHEN 'AIR' THEN 1 WHEN 'RAIL' THEN 2 WHEN 'SHIP' THEN 3
        WHEN 'TRUCK' THEN 4 WHEN 'MAIL' THEN 5 WHEN 'FOB' THEN 6
    END AS ship_mode,
    CAST(l_shipinstruct = 'DELIVER IN PERSON' AS INT) AS in_person,
    s_acctbal AS supplier_balance,
    s_nationkey AS supplier_nation,
    n_regionkey AS supplier_region
FROM lineitem
JOIN orders   ON l_orderkey = o_orderkey
JOIN part     ON l_partkey = p_partkey
JOIN supplier ON l_suppkey = s_suppkey
JOIN nation   ON s_nationkey = n_nationkey;
