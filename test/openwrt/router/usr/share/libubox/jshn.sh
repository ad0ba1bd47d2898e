# Stands for the part of jshn that reads: members are variables whose names have underscores for other characters.
# shellcheck shell=dash disable=SC2154

json_init() {
	eval "$(set | sed -n 's/^\(JSON_[A-Z]*__[A-Za-z0-9_]*\)=.*/unset \1/p')"
	JSON_KEYS=''
	JSON_AT=''
}

# As on a router: what cannot be read leaves what was there, and no fault.
json_load() {
	eval "$(jshn "$1")"
}

_json_at() {
	echo "${JSON_AT}__$(printf %s "$1" | tr -c 'a-zA-Z0-9_' _)"
}

json_select() {
	local at
	at="$(_json_at "$1")"
	if [ "$1" = .. ]; then
		JSON_AT="${JSON_AT%__*}"
	elif eval "[ \"\$JSON_TYPE$at\" = object ]"; then
		JSON_AT="$at"
	else
		echo "WARNING: Variable '$1' does not exist or is not an array/object"
		return 1
	fi
}

json_get_keys() {
	eval "$1=\"\$JSON_KEYS$JSON_AT\""
}

json_get_var() {
	eval "$1=\"\$JSON_VALUE$(_json_at "$2")\""
}
