select 1 from (select count(*) as n from {{ ref("customers") }}) where n <> 3
