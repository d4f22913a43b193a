-- version: the server's version, as it says it and as a number (170010 is 17.10)
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer AS number;

-- round_trip: nothing at all; the time it takes is the network's and the server's
SELECT 1;
