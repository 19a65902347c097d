{% snapshot customers_snapshot %}
{{ config(target_schema="dbt_interop", unique_key="id", strategy="check", check_cols=["name", "country"], file_format="delta") }}
select * from {{ ref("customers") }}
{% endsnapshot %}
