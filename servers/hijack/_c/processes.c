/* SPDX-License-Identifier: BSD-2-Clause */
/* fork and exec: the child is a process of the server's kernel too, and a program that takes over goes on as it. */
#include "hijack.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

REAL(pid_t, fork, void)
REAL(int, execve, const char *, char *const[], char *const[])
REAL(int, execvpe, const char *, char *const[], char *const[])

extern char **environ;

enum { LIST = 16384, WORDS = 4096 };

PUBLIC pid_t fork(void)
{
	unsigned char cookie[16];
	pid_t made;
	int error;

	setting_begin();
	if (!proxy_connected())
		return next_fork()();
	error = proxy_prefork(cookie);
	if (error != 0) {
		errno = error;
		return -1;
	}
	made = next_fork()();
	if (made == 0)
		proxy_forked(cookie);
	return made;
}

/* Nothing that runs between vfork and exec here may share memory with the parent: the connection is its own. */
PUBLIC pid_t vfork(void)
{
	return fork();
}

static int ours(const char *word)
{
	return strncmp(word, "RUMPCLIENT__EXECFD=", 19) == 0 || strncmp(word, "RUMPHIJACK__", 12) == 0;
}

/* The environment with what the next program has to know. */
static char **handed_on(char *const environment[], char *socket_word, char *inside_word, char *list_word)
{
	size_t count = 0, used = 0;
	char **made;

	while (environment != NULL && environment[count] != NULL)
		count++;
	made = malloc((count + 4) * sizeof *made);
	if (made == NULL)
		return NULL;
	for (size_t at = 0; at < count; at++)
		if (!ours(environment[at]))
			made[used++] = environment[at];
	made[used++] = socket_word;
	made[used++] = list_word;
	if (working_inside)
		made[used++] = inside_word;
	made[used] = NULL;
	return made;
}

static int take_over(int search, const char *path, char *const arguments[], char *const environment[])
{
	char socket_word[40], inside_word[] = "RUMPHIJACK__PWDINRUMP=1", *list_word, **all;
	int status, error, begins;

	setting_begin();
	if (!proxy_connected())
		return search ? next_execvpe()(path, arguments, environment)
		    : next_execve()(path, arguments, environment);
	list_word = malloc(LIST);
	if (list_word == NULL)
		return -1;
	snprintf(socket_word, sizeof socket_word, "RUMPCLIENT__EXECFD=%d", proxy_socket());
	begins = snprintf(list_word, LIST, "RUMPHIJACK__DESCRIPTORS=");
	list_word[(size_t)begins + list_descriptors(list_word + begins, LIST - (size_t)begins)] = 0;
	all = handed_on(environment, socket_word, inside_word, list_word);
	if (all == NULL) {
		free(list_word);
		return -1;
	}
	proxy_keep(1);
	status = search ? next_execvpe()(path, arguments, all) : next_execve()(path, arguments, all);
	error = errno;
	proxy_keep(0);
	free(all);
	free(list_word);
	errno = error;
	return status;
}

PUBLIC int execve(const char *path, char *const arguments[], char *const environment[])
{
	return take_over(0, path, arguments, environment);
}

PUBLIC int execv(const char *path, char *const arguments[])
{
	return take_over(0, path, arguments, environ);
}

PUBLIC int execvp(const char *path, char *const arguments[])
{
	return take_over(1, path, arguments, environ);
}

PUBLIC int execvpe(const char *path, char *const arguments[], char *const environment[])
{
	return take_over(1, path, arguments, environment);
}

/* The words of a list that ends with NULL; what follows that is left in `list`. */
static int gather(char *words[WORDS], const char *first, va_list *list)
{
	int count = 0;

	words[count++] = (char *)first;
	while (words[count - 1] != NULL) {
		if (count == WORDS) {
			errno = E2BIG;
			return -1;
		}
		words[count++] = va_arg(*list, char *);
	}
	return 0;
}

static int take_over_listed(int search, int own_environment, const char *path, const char *first, va_list *list)
{
	char **words = malloc(WORDS * sizeof *words);
	int status = -1;

	if (words != NULL && gather(words, first, list) == 0)
		status = take_over(search, path, words, own_environment ? va_arg(*list, char **) : environ);
	free(words);
	return status;
}

PUBLIC int execl(const char *path, const char *first, ...)
{
	va_list list;
	va_start(list, first);
	int status = take_over_listed(0, 0, path, first, &list);
	va_end(list);
	return status;
}

PUBLIC int execlp(const char *path, const char *first, ...)
{
	va_list list;
	va_start(list, first);
	int status = take_over_listed(1, 0, path, first, &list);
	va_end(list);
	return status;
}

PUBLIC int execle(const char *path, const char *first, ...)
{
	va_list list;
	va_start(list, first);
	int status = take_over_listed(0, 1, path, first, &list);
	va_end(list);
	return status;
}
