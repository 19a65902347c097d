{{ config(materialized="incremental", unique_key="id", incremental_strategy=var("strategy", "merge")) }}
select id, name, cast({{ var("run", 1) }} as int) as run from {{ ref("customers") }}
{% if is_incremental() %} where id >= 2 {% endif %}
