// The two HTTP clients of the JDK with their default settings, in each way of sending a query.
// Arguments: the endpoint, then a form and its query, again and again.
// Prints a line for each answer: way, form, status, Content-Type, body in Base64; parted by tabs.

import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

public class HttpClients {
    static final HttpClient CLIENT = HttpClient.newHttpClient();  // offers Upgrade: h2c
    static String endpoint;

    public static void main(String[] words) throws Exception {
        endpoint = words[0];
        for (int i = 1; i < words.length; i += 2) {
            String form = words[i], query = words[i + 1];
            String encoded = "query=" + URLEncoder.encode(query, StandardCharsets.UTF_8);
            send("get", form, HttpRequest.newBuilder(URI.create(endpoint + "?" + encoded)));
            send("form", form, post("application/x-www-form-urlencoded", encoded));
            send("direct", form, post("application/sparql-query", query));
            connect(form, encoded);
        }
    }

    static HttpRequest.Builder post(String type, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(endpoint));
        return request.header("Content-Type", type).POST(BodyPublishers.ofString(body));
    }

    static void send(String way, String form, HttpRequest.Builder request) throws Exception {
        var response = CLIENT.send(request.build(), BodyHandlers.ofByteArray());
        String type = response.headers().firstValue("Content-Type").orElse("");
        print(way, form, response.statusCode(), type, response.body());
    }

    static void connect(String form, String encoded) throws Exception {
        var connection = (HttpURLConnection) URI.create(endpoint + "?" + encoded).toURL().openConnection();
        int status = connection.getResponseCode();
        var stream = status < 400 ? connection.getInputStream() : connection.getErrorStream();
        print("connection", form, status, connection.getContentType(), stream.readAllBytes());
    }

    static void print(String way, String form, int status, String type, byte[] body) {
        String packed = Base64.getEncoder().encodeToString(body);
        System.out.println(String.join("\t", way, form, String.valueOf(status), type, packed));
    }
}
