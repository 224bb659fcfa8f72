/* SPDX-License-Identifier: BSD-2-Clause */
/* What the environment says, and which names are the server's. */
#include "hijack.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

REAL(int, close, int)
REAL(ssize_t, write, int, const void *, size_t)

const char *setting_url;
int working_inside;

static char prefix[256] = "/rump";
static size_t prefix_length = 5;

int real_close_(int descriptor)
{
	return next_close()(descriptor);
}

void complain(const char *what, const char *why)
{
	char line[512];
	int length = snprintf(line, sizeof line, "rump: %s: %s\n", what, why);

	if (length > 0 && next_write()(2, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1) < 0)
		return;
}

/* RUMPHIJACK is a list with commas, as rumphijack(3) has it: path=/rump is what is understood here. */
static void take_words(const char *words)
{
	while (words != NULL && *words != 0) {
		size_t length = strcspn(words, ",");
		if (length > 5 && length - 5 < sizeof prefix && strncmp(words, "path=/", 6) == 0) {
			memcpy(prefix, words + 5, length - 5);
			prefix[length - 5] = 0;
		} else
			complain("RUMPHIJACK", "only path=/NAME is understood");
		words += length + (words[length] == ',');
	}
	prefix_length = strlen(prefix);
	while (prefix_length > 1 && prefix[prefix_length - 1] == '/')
		prefix[--prefix_length] = 0;
}

__attribute__((constructor)) void setting_begin(void)
{
	static int begun;
	const char *text;

	if (begun)
		return;
	begun = 1;
	setting_url = getenv("RUMP_SERVER");
	take_words(getenv("RUMPHIJACK"));
	working_inside = getenv("RUMPHIJACK__PWDINRUMP") != NULL;
	text = getenv("RUMPCLIENT__EXECFD");
	if (text != NULL && fcntl(atoi(text), F_GETFD) != -1) {
		proxy_adopt(atoi(text));
		text = getenv("RUMPHIJACK__DESCRIPTORS");
		if (text != NULL)
			inherit_descriptors(text);
		for (int standard = 0; standard < 3; standard++)
			standard_stream_follows(standard);
	} else
		working_inside = 0;
	unsetenv("RUMPCLIENT__EXECFD");
	unsetenv("RUMPHIJACK__DESCRIPTORS");
	unsetenv("RUMPHIJACK__PWDINRUMP");
}

static const char *below_prefix(const char *path)
{
	while (path[0] == '/' && path[1] == '/')
		path++;
	if (strncmp(path, prefix, prefix_length) != 0)
		return NULL;
	path += prefix_length;
	return *path == 0 ? "/" : *path == '/' ? path : NULL;
}

const char *inside(int directory, const char *path, int *server_directory)
{
	setting_begin();
	*server_directory = -100;
	if (path == NULL)
		return NULL;
	if (*path == '/')
		return below_prefix(path);
	*server_directory = directory_of(directory);
	if (directory == AT_FDCWD)
		return working_inside ? path : NULL;
	return *server_directory >= 0 ? path : NULL;
}

const char *outside(const char *server_path, char *buffer, size_t length)
{
	int wanted = snprintf(buffer, length, "%s%s", prefix, strcmp(server_path, "/") == 0 ? "" : server_path);

	return wanted >= 0 && (size_t)wanted < length ? buffer : NULL;
}
