AUDIT (
  name row_count_between,
  blocking FALSE
);

SELECT
  COUNT(*) AS row_count
FROM @this_model
HAVING
  NOT COUNT(*) BETWEEN @least AND @most;

AUDIT (
  name value_between
);

SELECT
  *
FROM @this_model
WHERE
  NOT @column BETWEEN @least AND @most;

AUDIT (
  name refers_to
);

SELECT
  *
FROM @this_model AS child
WHERE
  NOT @column IS NULL AND NOT @column IN (
    SELECT
      @key
    FROM @parent
  );

AUDIT (
  name documents_have_ids,
  blocking FALSE
);

SELECT
  *
FROM @source
WHERE
  id IS NULL;

AUDIT (
  name versions_follow
);

SELECT
  *
FROM (
  SELECT
    valid_from,
    valid_to,
    is_current,
    LEAD(valid_from) OVER (PARTITION BY @key ORDER BY valid_from) AS next_from
  FROM @this_model
) AS versions
WHERE
  valid_to <= valid_from
  OR next_from < valid_to
  OR (
    valid_to IS NULL AND NOT next_from IS NULL
  )
  OR is_current <> (
    valid_to IS NULL
  );

AUDIT (
  name every_day_between
);

SELECT
  MIN(@column) AS first_day,
  MAX(@column) AS last_day,
  COUNT(*) AS days
FROM @this_model
HAVING
  COUNT(*) <> MAX(@column) - MIN(@column) + 1
