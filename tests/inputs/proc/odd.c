/* Processes that are hard to read, and one that makes new ones without end ("storm"); they live until stdin ends. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void be(const char *name)
{
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void hold(size_t pages)
{
	size_t size = pages * sysconf(_SC_PAGESIZE);
	memset(mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, size);
}

static int sharer(void *unused)
{
	be("sharer-b");
	for (;;)
		pause();
}

static void *living(void *unused)
{
	prctl(PR_SET_NAME, "living");
	hold(300);
	for (;;)
		pause();
}

static void run(int kind)
{
	pthread_t thread;

	switch (kind) {
	case 0:
		be("sharer-a");
		clone(sharer, (char *)malloc(65536) + 65536, CLONE_VM | SIGCHLD, 0);
		break;
	case 1:
		be("vforker");
		hold(500);
		if (vfork() == 0) {
			be("vfchild");
			for (;;)
				pause();
		}
		break;
	case 2:
		be("zparent");
		if (fork() == 0) {
			be("zchild");
			_exit(0);
		}
		break;
	case 3:
		be("deadleader");
		pthread_create(&thread, 0, living, 0);
		pthread_exit(0);
	case 4:
		be("a) S 1 \n\x1b[31m\xff");
		hold(700);
		break;
	case 5:
		be("storm");
		for (;;)
			if (fork() == 0)
				_exit(0);
			else
				while (waitpid(-1, 0, WNOHANG) > 0)
					;
	}
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int kinds = argc > 1 ? 6 : 5;

	for (int kind = 0; kind < kinds; kind++)
		if (fork() == 0)
			run(kind);
	usleep(300000);
	puts("ready");
	fflush(stdout);
	getchar();
	kill(0, SIGKILL);
}
