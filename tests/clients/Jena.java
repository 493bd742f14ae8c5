// Apache Jena asks a remote endpoint: in each way of sending, and with each Accept header that it can read.
// Arguments: the endpoint, then a form and its query, again and again.
// Prints a line for each answer, as Jena read it and wrote it again: way, form, status, Content-Type, body in
// Base64; parted by tabs. What Jena could not read has the status 0 and Jena's words as its body.

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.jena.query.ResultSetFormatter;
import org.apache.jena.rdf.model.Model;
import org.apache.jena.sparql.exec.http.QueryExecutionHTTP;
import org.apache.jena.sparql.exec.http.QueryExecutionHTTPBuilder;
import org.apache.jena.sparql.exec.http.QuerySendMode;

public class Jena {
    static final String[] TABLES = {
        "application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values"};
    static final String[] GRAPHS = {"text/turtle", "application/n-triples", "application/rdf+xml"};

    public static void main(String[] words) {
        for (int i = 1; i < words.length; i += 2) {
            String form = words[i], query = words[i + 1];
            for (QuerySendMode mode : QuerySendMode.values()) {
                read(mode.name(), form, builder(words[0], query).sendMode(mode));
            }
            for (String accept : form.equals("SELECT") ? TABLES : form.equals("ASK") ? new String[0] : GRAPHS) {
                read(accept, form, builder(words[0], query).acceptHeader(accept));
            }
        }
    }

    static QueryExecutionHTTPBuilder builder(String endpoint, String query) {
        return QueryExecutionHTTP.service(endpoint).query(query);
    }

    static void read(String way, String form, QueryExecutionHTTPBuilder builder) {
        var out = new ByteArrayOutputStream();
        try (QueryExecutionHTTP execution = builder.build()) {
            switch (form) {
                case "SELECT" -> ResultSetFormatter.outputAsJSON(out, execution.execSelect());
                case "ASK" -> ResultSetFormatter.outputAsJSON(out, execution.execAsk());
                case "CONSTRUCT" -> execution.execConstruct().write(out, "N-TRIPLES");
                default -> execution.execDescribe().write(out, "N-TRIPLES");
            }
            boolean table = form.equals("SELECT") || form.equals("ASK");
            print(way, form, "200", table ? TABLES[0] : GRAPHS[1], out.toByteArray());
        } catch (RuntimeException error) {
            print(way, form, "0", "text/plain", String.valueOf(error).getBytes(StandardCharsets.UTF_8));
        }
    }

    static void print(String way, String form, String status, String type, byte[] body) {
        System.out.println(String.join("\t", way, form, status, type, Base64.getEncoder().encodeToString(body)));
    }
}
