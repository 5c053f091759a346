/* The chart library, which Debian packages (libjs-dygraphs): its files are served from where they are installed. */
#ifndef ALD_APP_WEB_LIB_H
#define ALD_APP_WEB_LIB_H

struct evhttp_request;

/* Answer with the file that follows "/lib/". `ALD_JAVASCRIPT` names another folder. */
void web_lib_answer(struct evhttp_request *req, const char *name);

#endif
